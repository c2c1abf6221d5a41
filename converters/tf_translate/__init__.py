"""Inference graphs of TensorFlow, of a listed set of operations, as ONNX graphs."""
