# Hugging Face Spaces builds this, runs it as uid 1000 and asks on port 8501.
FROM python:3.11-slim-bookworm

# Fashion-MNIST as Debian ships it: nothing is downloaded while the app runs.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends dataset-fashion-mnist \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 student

# The requirements change seldom, the source often: the slow layer comes first. It has PyTorch
# without CUDA, as most Spaces have no GPU and so wake up sooner. One that has sets its variable
# TORCH_INDEX to https://pypi.org/simple: a Space's variables are arguments of its build.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r requirements.txt

# The source belongs to root, so the app cannot change it: its bytecode is made here.
COPY . .
RUN python -m compileall -q .

# A bucket mounted at /data keeps what is trained; without one it lasts until a restart.
USER 1000
ENV HOME=/home/student \
    GENLIB_RUNS=/data/runs \
    PYTHONUNBUFFERED=1
EXPOSE 8501
HEALTHCHECK --start-period=60s --timeout=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=5)"]
CMD ["streamlit", "run", "app.py"]
