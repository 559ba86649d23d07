"""Words that everything shares: ids, time, addresses, causes, destinations, errors. Values only."""
