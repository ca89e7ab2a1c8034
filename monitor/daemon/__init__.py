"""The background service: scheduled jobs, signals, logs, and proof that the work goes on."""
