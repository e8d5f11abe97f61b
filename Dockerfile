# The service as one image. Its wheels carry all they need; no system package is added.
FROM python:3.11-slim

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .

RUN useradd --system --home /app service && mkdir /data && chown service /data
USER service
ENV HOST=0.0.0.0 DATA_DIR=/data
VOLUME /data
EXPOSE 8000
CMD ["python", "app.py"]
