"""Values only: what flows between the rooms, and the errors and facts about it."""
