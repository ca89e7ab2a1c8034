"""Pure: rules, the state machine of every (rule, subject), and the texts of the messages."""
