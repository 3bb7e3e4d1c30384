"""LiteRT files (``.tflite``): recognized, looked at by their schema, and run by an interpreter."""
