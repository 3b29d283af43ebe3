"""管道: pipes that know no procurement: Postgres, Valkey, HTTP, texts, logs, the clock, the engines."""
