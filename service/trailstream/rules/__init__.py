"""Records -> matches: rules of every language behind one index, with one evaluator. Pure."""
