"""Telling generated video from real: pure Python, numpy and ONNX; no Django, network, clock or settings."""
