"""审批流: one engine for all rooms. A place's administrators order the posts; a running case keeps its version."""
