"""From which sharpness and contrast on is a retake worth asking for?

Images are blurred and lose contrast in known steps, are measured as the quality gate measures them
and classified in the form that is served. What a step costs is the balanced accuracy lost against
the same images without it. Thresholds are chosen on val; what they do is measured on test.
"""
