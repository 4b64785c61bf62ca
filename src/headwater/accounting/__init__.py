"""Units, factors and calculations: from a quantity to its emissions, exact and explained."""
