"""事件推送 (webhooks): an organisation's own system is told what happened, signed as the Standard Webhooks say."""
