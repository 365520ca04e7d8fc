"""The leaderboard's pages and its JSON API; needs the extra `leaderboard`."""
