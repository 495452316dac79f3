"""`/v1/responses`: passed through where the upstream has it, else translated to chat and back."""
