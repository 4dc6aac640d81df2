"""When each step of a transfer is safe."""
