"""How fast the whole local stack judges with its bundled engine, and where the engine's time goes."""
