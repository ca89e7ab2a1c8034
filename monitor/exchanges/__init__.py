"""Stage one: what the venues say, through ccxt, guarded so that nothing is lost without a word."""
