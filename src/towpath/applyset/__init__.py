"""What belongs to one app in one environment: its objects, inventory, hooks, plan and deletions. Pure."""
