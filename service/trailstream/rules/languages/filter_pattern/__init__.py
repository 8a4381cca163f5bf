"""CloudWatch Logs metric filter patterns: the grammar of JSON filters, its values, and the files that hold them."""
