"""待办中心: what waits for whom, until when; hand-over 转交, substitutes 代理, reminders 提醒, the live count.

What waits is no list of its own: it is read from where the steps stand (the views ``todo_of_*`` of the schema), so that
a step is there, and gone, in the transaction that brought or did it (docs/decisions/0016).
"""
