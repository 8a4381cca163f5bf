"""EventBridge event patterns: the language, its operators, and the event that a record would have been."""
