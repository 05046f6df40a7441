"""The Prefect API as commands use it. Flows and tasks use Prefect itself."""
