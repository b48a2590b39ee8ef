"""Push a built folder to a dataset repository on the Hub, in one commit."""
