"""Everything that is sent to people: status messages, results, copies; knows no Discord."""
