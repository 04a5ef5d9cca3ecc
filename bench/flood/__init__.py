"""What an innocent provider sees of its calls while another one floods. See ../README.md."""
