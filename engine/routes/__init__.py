"""The HTTP routes: thin translations between the wire and `engine.inference`."""
