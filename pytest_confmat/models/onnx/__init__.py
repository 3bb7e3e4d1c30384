"""ONNX files: recognized, looked at with the library ``onnx``, and run by onnxruntime.

Inside this package ``import onnx`` is that library, as all imports are absolute.
"""
