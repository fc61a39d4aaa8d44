"""What people paste as a prompt from other programs, pages and chats."""
