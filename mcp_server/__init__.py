"""The surface for agents: tools of the Model Context Protocol over the same services as every other."""
