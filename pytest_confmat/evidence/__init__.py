"""How sure a number is: of one model, of two on the same examples, of a model to come."""
