"""Models of Keras 2 that Keras 3 cannot load, loaded by tf-keras once their files were looked at.

tf-keras runs the code of a `Lambda` while it loads a file, also in safe mode, and calls whatever
function of TensorFlow a file names. So all that a file names is read before it.
"""
