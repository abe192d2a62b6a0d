"""What an attacker sends, and what he gets: one table, run through the front door and published."""
