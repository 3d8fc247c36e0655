"""The rules: one module per noun, plain async functions, no transport."""
