"""The live store as a cluster, on one machine: started from the wheel, broken in ways a real one breaks."""
