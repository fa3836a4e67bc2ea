"""Rules of running workflows over HTTP."""


class TestRun:
    async def test_sync_gives_the_output(self, client):
        """Waiting for the end gives the whole, without events."""
        answer = await client.post("/workflows/order/run/sync", json={"item": "tea"})

        found = answer.json()
        assert answer.status_code == 200
        assert found == {
            "workflow_id": "order",
            "workflow_name": "order",
            "execution_id": found["execution_id"],
            "input": {"item": "tea"},
            "output": "paid 4",
            "state": "COMPLETED",
        }
