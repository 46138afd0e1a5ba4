"""The face: Flask, Flask-Admin, screens and commands. The composition root of the web."""
