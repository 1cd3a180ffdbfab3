"""The live view: a lab, or a stored run, watched and steered in a browser on this machine, with no other one needed."""
