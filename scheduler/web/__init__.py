"""The pages, the API and the feeds: parse, act, answer. The only folder that imports Flask besides create_app."""
