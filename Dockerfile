# docker build -t dashboard . && docker run -p 8050:8050 dashboard
#
# TORCH_INDEX: address of a package index with a CPU-only torch and torchvision. Torch makes the
# serving form of the models during the build and is not in the final image, so this only saves
# download time and disk.

# 1. The shipped models in their serving form.
FROM python:3.11-slim-bookworm AS models
ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_PROGRESS_BAR=off
WORKDIR /app
COPY requirements/explain.txt requirements/explain.txt
RUN python -m venv /opt/torch \
    && if [ -n "$TORCH_INDEX" ]; then \
         /opt/torch/bin/pip install --no-deps --index-url "$TORCH_INDEX" \
           $(grep -E '^torch(vision)?==' requirements/explain.txt); \
       fi \
    && /opt/torch/bin/pip install -r requirements/explain.txt
COPY quality quality
COPY models models
RUN CACHE_DIR=/opt/models /opt/torch/bin/python -m models export --all

# 2. The packages that serving needs; pip itself stays behind.
FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_PROGRESS_BAR=off
COPY requirements/serve.txt /tmp/serve.txt
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install -r /tmp/serve.txt

# 3. The image: no compiler, no torch, nothing that the server writes to.
FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Skin lesion dashboard" \
      org.opencontainers.image.licenses="MIT AND CC-BY-NC-4.0"
COPY --from=packages /opt/venv /opt/venv
COPY --from=models /opt/models /opt/models
COPY LICENSE /app/LICENSE
COPY quality /app/quality
COPY models /app/models
COPY interpretability /app/interpretability
COPY Dashboard /app/Dashboard
RUN /opt/venv/bin/python -m compileall -q /app
ENV PATH="/opt/venv/bin:$PATH" \
    CACHE_DIR=/opt/models \
    HOME=/tmp \
    PORT=8050 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app/Dashboard
USER 10001:10001
EXPOSE 8050
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=4)"]
CMD ["gunicorn", "dash_ham:server"]
