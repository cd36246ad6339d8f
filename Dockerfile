# Hugging Face Spaces runs this as uid 1000 and asks on port 8501.
FROM python:3.11-slim-bookworm

# Fashion-MNIST as Debian ships it: nothing is downloaded while the app runs.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends dataset-fashion-mnist \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 student
USER student
WORKDIR /home/student/genlib
ENV PATH="/home/student/.local/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    GENLIB_HOME=/home/student/data

# The requirements change seldom, the source often: the slow layer comes first.
COPY --chown=student requirements.txt .
RUN pip install --no-cache-dir --user -r requirements.txt
COPY --chown=student . .

EXPOSE 8501
HEALTHCHECK CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8501/_stcore/health')"]
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0"]
