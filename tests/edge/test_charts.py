"""Charts as figures: what is data in them stays as it is."""

from provisioning.report.charts import attributes_chart


def test_attributes_called_by_numbers_or_dates_are_names_and_not_places_on_a_scale() -> None:
    figure = attributes_chart({"2024": 3, "2025-01-01": 1})
    assert figure.layout.yaxis.type == "category"
    assert list(figure.data[0].y) == ["2024", "2025-01-01"]


def test_an_attribute_is_no_markup_in_a_chart_and_itself_where_it_is_clicked() -> None:
    figure = attributes_chart({"<b>Site</b>": 3})
    assert figure.data[0].y[0] == "&lt;b>Site&lt;/b>"
    assert figure.data[0].customdata[0] == "<b>Site</b>"
