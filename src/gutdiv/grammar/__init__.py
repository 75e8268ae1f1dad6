"""The two small languages that users write: control expressions and formulas."""
