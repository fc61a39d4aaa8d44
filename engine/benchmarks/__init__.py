"""Speed and memory on this machine, compared with plain diffusers. No torch: processes paint."""
