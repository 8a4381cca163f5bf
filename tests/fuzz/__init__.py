"""``make fuzz``: inputs mutated at random, from a seed, held against parsers that share nothing with ours."""
