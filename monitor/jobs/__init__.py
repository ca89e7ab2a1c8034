"""Where the stages meet: collect, measure, answer, alert, deliver."""
