"""The render process of a device (`python -m gpu_agents.child`): its crash, leak or hang costs one attempt, not the agent."""
