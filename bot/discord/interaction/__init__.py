"""What every interaction needs: answers, errors, and the services behind them."""
