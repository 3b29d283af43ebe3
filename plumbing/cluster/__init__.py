"""集群: the live store on several machines. An answer is given once all that it follows from is on every copy.

``view`` what the nodes say and when an answer stands (pure); ``rounds`` asks one master; ``pipe`` finds the master of a
key; ``keeper`` bars a silent replica and lets it in again; ``client`` is what the rest of the product sees.
"""
