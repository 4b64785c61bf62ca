"""What all sources have in common that are reached by HTTP: config, who asks, limits, errors, pages."""
