"""外发: e-mail, SMS, calls and webhooks: written in the transaction of their cause, sent beside it."""
