"""`selfref bench jobs`: what uploads, their queue, their memory, their recovery and their fairness come to."""
