"""The RPC gateway."""
